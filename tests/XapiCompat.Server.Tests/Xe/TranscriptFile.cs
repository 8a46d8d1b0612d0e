using System.Globalization;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>
/// A session with xe as text. The first sign of a line says what it is:
/// <code>
/// # a comment
/// % something to prepare, see <see cref="TranscriptSetup"/>
/// $ vm-destroy uuid={vm}      a command; double quotes keep blanks together
/// &lt; yes                      what the user types when the command asks
/// | text                      a line on standard output
/// ! text                      a line on standard error
/// = 1                         the exit code, when it is not 0
/// </code>
/// <see cref="TranscriptNames"/> tells what <c>{…}</c> stands for.
/// </summary>
internal sealed class TranscriptFile
{
    private TranscriptFile(IReadOnlyList<string> lines, IReadOnlyList<TranscriptStep> steps)
    {
        Lines = lines;
        Steps = steps;
    }

    public IReadOnlyList<string> Lines { get; }

    public IReadOnlyList<TranscriptStep> Steps { get; }

    public static TranscriptFile Read(string path) => Parse(File.ReadAllLines(path));

    public static TranscriptFile Parse(IReadOnlyList<string> lines)
    {
        var steps = new List<TranscriptStep>();
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            if (line.Length == 0 || line[0] == '#')
                continue;
            var text = line.Length > 2 ? line[2..] : "";
            if (line.Length > 1 && line[1] != ' ')
                throw Bad(i, "a blank follows the sign of a line");
            if (line[0] is '$' or '%')
            {
                steps.Add(new(i + 1, line[0] == '%', text) { End = i + 1 });
                continue;
            }

            if (steps is not [.., { IsSetup: false } step])
                throw Bad(i, "no command stands before this");
            switch (line[0])
            {
                case '|':
                    step.Output.Add(text);
                    break;
                case '!':
                    step.Error.Add(text);
                    break;
                case '<':
                    step.Typed.Add(text);
                    break;
                case '=':
                    step.ExitCode = int.Parse(text, CultureInfo.InvariantCulture);
                    break;
                default:
                    throw Bad(i, "no such sign");
            }

            step.End = i + 1;
        }

        return new(lines, steps);
    }

    /// <summary>The text of the file with other answers for some steps.</summary>
    public IEnumerable<string> With(IReadOnlyDictionary<TranscriptStep, IReadOnlyList<string>> answers)
    {
        var next = 0;
        foreach (var step in Steps)
        {
            for (; next < step.Line; next++)
                yield return Lines[next];
            if (!answers.TryGetValue(step, out var answer))
                continue;
            foreach (var typed in step.Typed)
                yield return "< " + typed;
            foreach (var line in answer)
                yield return line;
            next = step.End;
        }

        for (; next < Lines.Count; next++)
            yield return Lines[next];
    }

    private static FormatException Bad(int index, string why) => new("line " + (index + 1) + ": " + why);
}
