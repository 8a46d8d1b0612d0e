using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;
using Xunit.Sdk;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>The transcripts' own grammar, without a server.</summary>
public sealed class TranscriptFileTests
{
    private const string First = "00000000-0000-4000-8000-000000000001";
    private const string Second = "00000000-0000-4000-8000-000000000002";

    private readonly List<string> _ran = [];
    private readonly List<string> _prepared = [];

    [Fact]
    public async Task Names_take_what_they_meet_and_stand_for_it_later()
    {
        await RunAsync(
            """
            # two commands
            % fresh
            $ vm-create name-label="two words"
            | {vm}
            $ vm-list uuid={vm}
            | uuid ( RO)    : {vm}
            """,
            new(First + "\n", "", 0), new("uuid ( RO)    : " + First + "\n", "", 0));
        _ran.Should().Equal("vm-create|name-label=two words", "vm-list|uuid=" + First);
        _prepared.Should().Equal("fresh");
    }

    [Theory]
    [InlineData("| {a} {a}", First + " " + Second + "\n", "", 0)]
    [InlineData("| {a}", First + "\n\n", "", 0)]
    [InlineData("| text", "text", "", 0)]
    [InlineData("| text", "text \n", "", 0)]
    [InlineData("| {number}", "one\n", "", 0)]
    [InlineData("| text", "text\n", "surprise\n", 0)]
    [InlineData("| text", "text\n", "", 1)]
    [InlineData("| text\n= 1", "text\n", "", 0)]
    [InlineData("| {time}", "20260101T00:00:00\n", "", 0)]
    public async Task A_difference_is_a_failure(string wanted, string output, string error, int exit)
    {
        var act = () => RunAsync("$ vm-list\n" + wanted, new XeOutcome(output, error, exit));
        (await act.Should().ThrowAsync<XunitException>()).Which.Message.Should().Contain("line 1, $ vm-list");
    }

    [Theory]
    [InlineData("| {a} {b}", First + " " + Second + "\n", "", 0)]
    [InlineData("| {a} {a}", First + " " + First + "\n", "", 0)]
    [InlineData("| {size:number}, {size}", "12, 12\n", "", 0)]
    [InlineData("| a\n|\n|", "a\n\n\n", "", 0)]
    [InlineData("| text {}", "text \n", "", 0)]
    [InlineData("|", "\n", "", 0)]
    [InlineData("| {any}", "anything\n", "", 0)]
    [InlineData("| {time}", "20260101T00:00:00Z\n", "", 0)]
    [InlineData("! Error: no\n= 1", "", "Error: no\n", 1)]
    [InlineData("< yes", "", "", 0)]
    public Task What_is_written_down_is_accepted(string wanted, string output, string error, int exit) =>
        RunAsync("$ vm-list\n" + wanted, new XeOutcome(output, error, exit));

    [Fact]
    public async Task What_was_seen_can_be_written_down()
    {
        var file = TranscriptFile.Parse(["$ vm-create", "| {vm}", "", "$ vm-list", "< yes", "| old", "# end"]);
        var names = new TranscriptNames();
        var answers = new Queue<XeOutcome>([new(First + "\n", "", 0), new(First + " \n" + Second + "\n\n", "Error: no\n", 1)]);
        var run = new TranscriptRun(file, (_, _) => Task.FromResult(answers.Dequeue()), _ => Task.CompletedTask, names);
        await run.RunAsync(goOn: true);
        file.With(run.Others).Should().Equal(
            "$ vm-create", "| {vm}", "", "$ vm-list", "< yes", "| {vm} {}", "| {uuid}", "|", "! Error: no", "= 1", "# end");
    }

    [Theory]
    [InlineData("| text")]
    [InlineData("$vm-list")]
    [InlineData("$ vm-list\n? text")]
    public void Bad_lines_are_named(string text)
    {
        var act = () => TranscriptFile.Parse(text.Split('\n'));
        act.Should().Throw<FormatException>().WithMessage("line *");
    }

    private Task RunAsync(string text, params XeOutcome[] outcomes)
    {
        var names = new TranscriptNames();
        var answers = new Queue<XeOutcome>(outcomes);
        return new TranscriptRun(TranscriptFile.Parse(text.Split('\n')), Run, Prepare, names).RunAsync();

        Task<XeOutcome> Run(TranscriptStep step, IReadOnlyList<string> words)
        {
            _ran.Add(string.Join('|', words));
            return Task.FromResult(answers.Dequeue());
        }

        Task Prepare(string line)
        {
            _prepared.Add(line);
            return Task.CompletedTask;
        }
    }
}
