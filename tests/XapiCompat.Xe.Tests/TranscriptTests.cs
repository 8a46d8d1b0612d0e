using Xunit;
using XapiCompat.Xe.Tests.Support;

namespace XapiCompat.Xe.Tests;

/// <summary>The golden transcripts of the folder Transcripts: exact bytes both ways.</summary>
public sealed class TranscriptTests
{
    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Transcripts");

    [Theory]
    [MemberData(nameof(Names))]
    public Task Each_side_sends_these_bytes(string name) => new Transcript(Path.Combine(Folder, name + ".txt")).Play();
}
