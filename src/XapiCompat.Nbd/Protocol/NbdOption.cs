namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_OPT_*: what a client may ask before it reads.</summary>
public enum NbdOption : uint
{
    None = 0,
    ExportName = 1,
    Abort = 2,
    List = 3,
    StartTls = 5,
    Info = 6,
    Go = 7,
    StructuredReply = 8,
    ListMetaContext = 9,
    SetMetaContext = 10,
}
