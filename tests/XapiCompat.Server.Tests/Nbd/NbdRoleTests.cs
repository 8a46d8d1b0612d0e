using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Server.Tests.Api.Access;
using Xunit;

namespace XapiCompat.Server.Tests.Nbd;

public sealed class NbdRoleTests(RoleServer roles) : IClassFixture<RoleServer>
{
    [Theory]
    [InlineData("pool-admin", NbdOptionReply.Ack)]
    [InlineData("vm-admin", NbdOptionReply.Ack)]
    [InlineData("vm-operator", NbdOptionReply.ErrPolicy)]
    [InlineData("read-only", NbdOptionReply.ErrPolicy)]
    public async Task A_session_opens_disks_that_its_role_may_export(string role, NbdOptionReply reply)
    {
        var rig = await NbdRig.LoginAsync(roles.Server);
        await rig.PurposeAsync("insecure_nbd");
        var uuid = await rig.Disks.UuidAsync(await rig.Disks.CreateAsync(NbdRig.Size));
        var client = await roles.LoginAsync(role);
        (await rig.RefusalAsync($"/{uuid}?session_id={client.Session}")).Should().Be(reply);
    }
}
