namespace XapiCompat.XeCli.Errors;

/// <summary>The client may not log in; it gets the text and the usage hint.</summary>
internal sealed class LoginException(string text) : Exception(text);
