namespace XapiCompat.Disks.Vhd;

/// <summary>What an opened file may be used for.</summary>
public enum VhdAccess
{
    Read,
    ReadWrite,
}
