namespace XapiCompat.Xe.Options;

/// <summary>The options that xe itself understands.</summary>
internal static class Usage
{
    public const string Text = """
        Usage: xe <command> [<parameter>=<value> ...]
          [ -s <server> ]            host to manage; default: this one
          [ -p <port> ]              its port; default: 443, without TLS 80
          [ -u <user> -pw <password> | -pwf <file> ]
                                     who asks; the file has the user in its first line, the password in its second
          [ --nossl ]                without TLS
          [ --verify ]               only a server whose certificate is trusted
          [ --cacert <file> ]        trusted are the certificates of this PEM file; implies --verify
          [ --debug ]                tell on standard error what is going on
          [ --debug-on-fail ]        likewise, at the end and only when the command failed
          [ --minimal ]              values only, separated by commas
          [ --traceparent <id> ]     context for distributed tracing
          [ --trace ]                where in the server a failure happened
          [ -version ]               version of the protocol

        More defaults: environment variable XE_EXTRA_ARGS, file ~/.xe
        All commands: xe help --all -s <server>

        """;
}
