namespace XapiCompat.XeCli.Arguments;

/// <summary>The command line is no command: the client prints <c>Syntax error: </c> and the usage hint, and exits with 1.</summary>
internal sealed class XeSyntaxException() : Exception("no command line");
