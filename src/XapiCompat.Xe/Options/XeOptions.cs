namespace XapiCompat.Xe.Options;

/// <summary>What the user asked for, from all sources together.</summary>
internal sealed class XeOptions
{
    public string Server { get; set; } = "127.0.0.1";

    /// <summary>Null: the default of the kind of connection.</summary>
    public int? Port { get; set; }

    public string User { get; set; } = "root";

    public string Password { get; set; } = "null";

    public string PasswordFile { get; set; } = "";

    public bool Tls { get; set; } = true;

    /// <summary>Whether the server's certificate has to be trusted.</summary>
    public bool Verify { get; set; }

    /// <summary>PEM file of the certificates that are trusted; empty: those of the machine.</summary>
    public string TrustedFile { get; set; } = "";

    public bool Debug { get; set; }

    public bool DebugOnFail { get; set; }

    public bool Help { get; set; }

    public string? TraceParent { get; set; }

    public string? Baggage { get; set; }

    /// <summary>The command and its parameters, as the server gets them.</summary>
    public List<string> Arguments { get; } = [];

    /// <summary>This very machine, which is never asked over TLS.</summary>
    public static bool IsLocal(string server) => server == "127.0.0.1";
}
