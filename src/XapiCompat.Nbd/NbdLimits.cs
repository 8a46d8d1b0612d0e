namespace XapiCompat.Nbd;

/// <summary>What one client may ask of the server; sizes are bytes.</summary>
public static class NbdLimits
{
    /// <summary>The longest data of one read or write (NBD_INFO_BLOCK_SIZE maximum).</summary>
    public const int LongestRequest = 32 << 20;

    /// <summary>What NBD_INFO_BLOCK_SIZE advises.</summary>
    public const int PreferredBlock = 64 << 10;

    /// <summary>The longest name of an export or context.</summary>
    public const int LongestString = 4096;

    /// <summary>Longer data of an option is skipped and refused.</summary>
    public const int LongestOption = 32 << 10;

    /// <summary>Behind longer data nobody looks for the next option: the connection is dropped.</summary>
    public const int LongestSkippedOption = 1 << 20;

    /// <summary>A client that has not opened an export after so many options is dropped.</summary>
    public const int MostOptions = 4096;

    /// <summary>Bitmaps that one client may have chosen.</summary>
    public const int MostContexts = 16;

    /// <summary>Block descriptors of one context in one answer.</summary>
    public const int MostDescriptors = 4096;

    /// <summary>Requests of one connection that are served beside each other; each has one buffer.</summary>
    public const int Workers = 4;

    /// <summary>Data that is moved in one piece.</summary>
    public const int Piece = 256 << 10;
}
