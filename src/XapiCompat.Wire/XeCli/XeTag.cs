namespace XapiCompat.Wire.XeCli;

/// <summary>Class and tag of each message, as they stand at the start of a payload.</summary>
internal static class XeTag
{
    public const int Command = 9;
    public const int Response = 10;
    public const int Blob = 11;

    public const int Print = 0;
    public const int Load = 1;
    public const int Prompt = 3;
    public const int Exit = 4;
    public const int Ok = 5;
    public const int Failed = 6;
    public const int Chunk = 7;
    public const int End = 8;
    public const int HttpGet = 12;
    public const int HttpPut = 13;
    public const int Error = 14;
    public const int Debug = 15;
    public const int PrintStderr = 16;
    public const int HttpConnect = 17;
    public const int Wait = 18;
}
