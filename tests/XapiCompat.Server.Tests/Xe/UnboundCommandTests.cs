using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Api;
using XapiCompat.XeCli.Commands;
using XapiCompat.XeCli.Tables;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Each fixed command has code, or stands in a list with what is missing and says so.</summary>
public sealed class UnboundCommandTests
{
    [Fact]
    public void Every_fixed_command_runs_or_is_known_not_to()
    {
        var tables = XeTables.Load(Model.Load());
        var bound = CommandClasses.Bind(tables).Bound.Append("help").ToHashSet(StringComparer.Ordinal);
        var unbound = tables.Commands.Where(c => c.Generated is null && !bound.Contains(c.Name)).ToList();
        PinnedList.ShouldBe("xe-not-bound.txt", unbound.Select(c => c.Name));
        PinnedList.Read("xe-not-bound.txt").Should().BeEquivalentTo(tables.Commands.Where(c => c.Missing is not null).ToDictionary(c => c.Name, c => c.Missing));
        unbound.Should().NotContain(c => c.Priority == 1);
    }
}
