using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>The matrix on the whole server, through its API.</summary>
public sealed class UploadMatrixTests(ITestOutputHelper log, UploadMatrixTests.Server server) : IClassFixture<UploadMatrixTests.Server>
{
    public static TheoryData<Manner, bool, bool> Cells
    {
        get
        {
            var cells = new TheoryData<Manner, bool, bool>();
            foreach (var manner in Enum.GetValues<Manner>())
            {
                foreach (var tls in new[] { false, true })
                {
                    cells.Add(manner, tls, false);
                    cells.Add(manner, tls, true);
                }
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public Task Every_upload_to_the_server_arrives_byte_exact_or_fails(Manner manner, bool tls, bool vhd) =>
        new UploadMatrix(server.Rig, log).RunAsync(manner, tls, vhd);

    public sealed class Server : IAsyncLifetime
    {
        internal ServerRig Rig { get; private set; } = null!;

        public async Task InitializeAsync() => Rig = await ServerRig.StartAsync();

        public async Task DisposeAsync() => await Rig.DisposeAsync();
    }
}
