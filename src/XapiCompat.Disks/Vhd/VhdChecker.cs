namespace XapiCompat.Disks.Vhd;

/// <summary>Looks over one file, its parents left out.</summary>
public static class VhdChecker
{
    /// <summary>All problems found, those that keep the file from being opened and those that do not; empty = none.</summary>
    public static IReadOnlyList<VhdFinding> Check(string path) => throw new NotImplementedException();
}
