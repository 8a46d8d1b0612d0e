namespace XapiCompat.Xe.Transfers;

/// <summary>The server sends the transfer elsewhere.</summary>
internal sealed class Redirection(string location) : Exception(location)
{
    public string Location { get; } = location;
}
