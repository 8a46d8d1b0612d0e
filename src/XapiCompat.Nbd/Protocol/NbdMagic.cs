namespace XapiCompat.Nbd.Protocol;

/// <summary>The numbers that messages begin with.</summary>
public static class NbdMagic
{
    /// <summary>"NBDMAGIC", the first eight bytes of a server.</summary>
    public const ulong Greeting = 0x4e42444d41474943;

    /// <summary>"IHAVEOPT", before the server's handshake flags and before each option.</summary>
    public const ulong Option = 0x49484156454F5054;

    public const ulong OptionReply = 0x3e889045565a9;

    public const uint Request = 0x25609513;

    public const uint SimpleReply = 0x67446698;

    public const uint StructuredReply = 0x668e33ef;
}
