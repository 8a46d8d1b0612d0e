namespace XapiCompat.Server.Tests.Xe;

/// <summary>One command of a transcript and what it must answer, or a line that prepares something.</summary>
/// <param name="Line">Number of the first line, from 1.</param>
/// <param name="IsSetup">A <c>%</c> line; the lists are empty.</param>
/// <param name="Text">What follows the mark of the line.</param>
internal sealed record TranscriptStep(int Line, bool IsSetup, string Text)
{
    /// <summary>What the user types at prompts.</summary>
    public List<string> Typed { get; } = [];

    public List<string> Output { get; } = [];

    public List<string> Error { get; } = [];

    public int ExitCode { get; set; }

    /// <summary>Number of the line behind the step's last one.</summary>
    public int End { get; set; }

    /// <summary>Name of the command.</summary>
    public string Command => TranscriptWords.Split(Text)[0];
}
