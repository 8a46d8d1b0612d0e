using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Asked to be strict, constructors refuse records that a real server refuses.</summary>
public sealed class StrictModeTests : IAsyncLifetime
{
    private static readonly Model Model = Model.Load();

    private readonly RunningServer _server = new() { Strict = true };

    public Task InitializeAsync() => _server.InitializeAsync();

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Every_required_member_is_missed_by_its_name()
    {
        var wire = new JsonWire(_server.Http);
        foreach (var @class in Model.Classes.Where(c => c.RequiredMembers.Count > 0 && !Removed(c)))
        {
            foreach (var member in @class.RequiredMembers)
            {
                var record = SampleValues.CreateRecord(@class);
                record.Remove(member);
                // Before the session is looked at.
                var error = (await wire.CallAsync(@class.Name + ".create", JsonArguments.Array(["no session", record]))).Error!;
                error[0].Should().Be("INTERNAL_ERROR", @class.Name + "." + member);
                error[1].Should().Contain(member);
            }
        }
    }

    [Fact]
    public async Task A_complete_record_is_taken()
    {
        var client = await _server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("complete"));
        (await client.TextAsync("VM.get_name_label", vm)).Should().Be("complete");
        (await client.ErrorAsync("VM.create", JsonArguments.Map(("name_label", "incomplete")))).Should().StartWith("INTERNAL_ERROR");
    }

    private static bool Removed(ClassDef @class) => Model.FindMessage(@class.Name + ".create")?.Removed ?? true;
}
