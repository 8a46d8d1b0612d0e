namespace XapiCompat.Disks.Vhd;

/// <summary>Disk type field of the footer.</summary>
public enum VhdDiskType
{
    Fixed = 2,
    Dynamic = 3,
    Differencing = 4,
}
