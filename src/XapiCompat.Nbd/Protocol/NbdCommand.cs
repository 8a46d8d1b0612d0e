namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_CMD_*: requests of the transmission phase.</summary>
public enum NbdCommand
{
    Read = 0,
    Write = 1,
    Disc = 2,
    Flush = 3,
    Trim = 4,
    Cache = 5,
    WriteZeroes = 6,
    BlockStatus = 7,
}
