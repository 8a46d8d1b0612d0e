namespace XapiCompat.Nbd;

/// <summary>What a server makes of NBD_OPT_STARTTLS.</summary>
public enum NbdTlsMode
{
    /// <summary>The client decides.</summary>
    Offered,

    /// <summary>Nothing else is answered before it.</summary>
    Required,
}
