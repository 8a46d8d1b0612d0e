namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_INFO_*: what is told of an export.</summary>
public enum NbdInfo
{
    Export = 0,
    Name = 1,
    Description = 2,
    BlockSize = 3,
}
