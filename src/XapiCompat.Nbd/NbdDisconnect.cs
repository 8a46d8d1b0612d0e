namespace XapiCompat.Nbd;

/// <summary>
/// The connection is to be closed without an answer: the client does not speak the protocol, so that nothing it sends can
/// be understood, or it is not wanted here.
/// </summary>
public sealed class NbdDisconnect(string message) : Exception(message);
