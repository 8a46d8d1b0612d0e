using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>The matrix over plain files: what the connection layer and the handlers themselves do.</summary>
public sealed class UploadMatrixTests(ITestOutputHelper log)
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
    public async Task Every_upload_arrives_byte_exact_or_fails(Manner manner, bool tls, bool vhd)
    {
        await using var rig = await FileRig.StartAsync();
        await new UploadMatrix(rig, log).RunAsync(manner, tls, vhd);
        Assert.Equal(0, rig.Transfers.OpenDevices);
    }
}
