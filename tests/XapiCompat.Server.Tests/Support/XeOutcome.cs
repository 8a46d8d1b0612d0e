namespace XapiCompat.Server.Tests.Support;

/// <summary>What a user sees of one command.</summary>
/// <param name="Output">Standard output, as it is.</param>
/// <param name="Error">Standard error, as it is.</param>
internal sealed record XeOutcome(string Output, string Error, int ExitCode);
