using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Blobs stand alone or under a name at an object; secrets can be brought along.</summary>
public sealed class BlobTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("blob.create", "blob.destroy")]
    public async Task A_blob_stands_alone()
    {
        var client = await server.LoginAsync();
        var blob = await client.TextAsync("blob.create", "text/plain", true);
        var record = await client.RecordAsync("blob", blob);
        record["mime_type"]!.GetValue<string>().Should().Be("text/plain");
        record["public"]!.GetValue<bool>().Should().BeTrue();
        record["size"]!.GetValue<long>().Should().Be(0);
        record["last_updated"]!.GetValue<string>().Should().Be(Records.Never);
        (await client.TextAsync("blob.get_mime_type", await client.TextAsync("blob.create", ""))).Should().Be("application/octet-stream");
        await client.CallAsync("blob.destroy", blob);
        (await client.ErrorAsync("blob.get_uuid", blob)).Should().Equal("HANDLE_INVALID", "blob", blob);
    }

    [Theory]
    [InlineData("VM")]
    [InlineData("host")]
    [InlineData("pool")]
    [InlineData("SR")]
    [InlineData("network")]
    [SeesEffectOf("VM.create_new_blob", "host.create_new_blob", "pool.create_new_blob", "SR.create_new_blob", "network.create_new_blob", "blob.destroy")]
    public async Task A_blob_of_an_object_has_a_name_there(string @class)
    {
        var client = await server.LoginAsync();
        var owner = (await client.ListAsync(@class + ".get_all"))[0];
        var blob = await client.TextAsync(@class + ".create_new_blob", owner, "notes", "text/plain", false);
        (await client.CallAsync(@class + ".get_blobs", owner))["notes"]!.GetValue<string>().Should().Be(blob);
        (await client.TextAsync("blob.get_mime_type", blob)).Should().Be("text/plain");
        (await client.ErrorAsync(@class + ".create_new_blob", owner, "notes", "text/plain")).Should().Equal("MAP_DUPLICATE_KEY", @class, "blobs", owner, "notes");
        (await client.ErrorAsync(@class + ".create_new_blob", SampleValues.Nowhere, "notes", "")).Should().Equal("HANDLE_INVALID", @class, SampleValues.Nowhere);
        await client.CallAsync("blob.destroy", blob);
        (await client.CallAsync(@class + ".get_blobs", owner)).AsObject().Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("secret.introduce")]
    public async Task A_secret_keeps_the_uuid_that_it_is_introduced_with()
    {
        var client = await server.LoginAsync();
        var uuid = Guid.NewGuid().ToString();
        var secret = await client.TextAsync("secret.introduce", uuid, "hidden", JsonArguments.Map(("k", "v")));
        (await client.TextAsync("secret.get_by_uuid", uuid)).Should().Be(secret);
        (await client.TextAsync("secret.get_value", secret)).Should().Be("hidden");
        (await client.CallAsync("secret.get_other_config", secret))["k"]!.GetValue<string>().Should().Be("v");
        (await client.ErrorAsync("secret.introduce", uuid, "again")).Should().HaveElementAt(0, "INTERNAL_ERROR");
    }
}
