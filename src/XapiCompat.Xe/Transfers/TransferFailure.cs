namespace XapiCompat.Xe.Transfers;

/// <summary>A transfer failed on the server's side or on the way.</summary>
internal sealed class TransferFailure(string message) : Exception(message);
