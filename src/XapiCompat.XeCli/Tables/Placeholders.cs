namespace XapiCompat.XeCli.Tables;

/// <summary>What stands where a value cannot.</summary>
internal static class Placeholders
{
    public const string NotInDatabase = "<not in database>";
    public const string Expensive = "<expensive field>";
    public const string InvalidReference = "<invalid reference>";
    public const string Inconsistent = "<inconsistent>";
    public const string Unknown = "<unknown>";
    public const string Shared = "<shared>";
    public const string None = "<none>";
    public const string Empty = "<EMPTY>";
}
