namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_CMD_FLAG_*.</summary>
[Flags]
public enum CommandFlags
{
    None = 0,
    Fua = 1 << 0,
    NoHole = 1 << 1,
    DontFragment = 1 << 2,
    ReqOne = 1 << 3,
    FastZero = 1 << 4,
}
