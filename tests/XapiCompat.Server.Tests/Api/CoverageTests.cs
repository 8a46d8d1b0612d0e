using System.Reflection;
using FluentAssertions;
using XapiCompat.Core.Dispatch;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>What is built has a test that sees its effect; what is refused answers as its row says.</summary>
public sealed class CoverageTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly Model Model = Model.Load();

    /// <summary>Messages named by <see cref="SeesEffectOfAttribute"/> somewhere in this project.</summary>
    internal static HashSet<string> Seen() =>
        typeof(CoverageTests).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .SelectMany(m => m.GetCustomAttributes<SeesEffectOfAttribute>())
            .SelectMany(a => a.Messages)
            .ToHashSet(StringComparer.Ordinal);

    [Fact]
    public void Tests_name_messages_that_exist() =>
        Seen().Where(n => Model.FindMessage(n) is null).Should().BeEmpty();

    [Fact]
    public void Every_message_with_code_has_a_test_that_sees_its_effect()
    {
        var seen = Seen();
        var without = server.Host.BoundMessages.Select(m => m.FullName)
            .Except(PinnedList.Read("no-effect.txt").Keys)
            .Except(PinnedList.Read("refused-by-code.txt").Keys)
            .Where(n => !seen.Contains(n));
        PinnedList.ShouldBe("effect-not-seen.txt", without);
    }

    [Fact]
    public async Task Refused_messages_answer_their_documented_error()
    {
        var client = await server.LoginAsync();
        var rows = Refusals.Load(Model).All.ToList();
        rows.Select(r => r.Key).Intersect(server.Host.BoundMessages).Should().BeEmpty("a refused message has no code");
        foreach (var (message, refusal) in rows)
        {
            refusal.Reason.Should().NotBeEmpty(message.FullName);
            Model.Errors.Should().ContainKey(refusal.Error[0], message.FullName);
            var arguments = message.Parameters.Select(p => p.Type is RefType type
                ? server.Host.Records.Current.All(Model.Class(type.Class)).FirstOrDefault()?.Reference ?? Records.Null
                : SampleValues.Neutral(p.Type)).ToArray();
            var error = message.NeedsSession
                ? await client.ErrorAsync(message.FullName, arguments)
                : (await client.Wire.CallAsync(message.FullName, JsonArguments.Array(arguments))).Error!;
            error[0].Should().Be(refusal.Error[0], message.FullName);
            error.Should().HaveCount(refusal.Error.Count, message.FullName);
        }
    }
}
