namespace XapiCompat.XeCli.Errors;

internal sealed class UnknownCommandException(string name) : Exception(name);
