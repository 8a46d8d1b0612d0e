namespace XapiCompat.Xe.Transfers;

/// <summary>A transfer failed on this side, so the server cannot say why.</summary>
internal sealed class LocalFailure(string message) : Exception(message);
