using System.Security.Cryptography;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Server.Tests.Api.Repositories;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.Hostile;

/// <summary>Paths that try to lead out of the directories for repositories, through every field that may hold one.</summary>
public sealed class BadPathTests(ITestOutputHelper output) : IAsyncLifetime
{
    private RunningServer _server = null!;
    private SrRig _rig = null!;
    private string _world = "";
    private string _root = "";

    private static readonly (string Type, Func<string, (string, object?)[]> Config)[] Fields =
    [
        ("file", p => [("location", p)]),
        ("iso", p => [("location", p)]),
        ("iso", p => [("location", p), ("legacy_mode", "true")]),
        ("iso", p => [("location", "server:/share"), ("iso_path", p)]),
        ("nfs", p => [("server", p), ("serverpath", "/share")]),
        ("nfs", p => [("server", "server"), ("serverpath", p)]),
        ("smb", p => [("server", p)]),
        ("smb", p => [("server", "//server/" + p)]),
        ("lvmoiscsi", p => [("target", p), ("targetIQN", "iqn"), ("SCSIid", "lun")]),
        ("lvmoiscsi", p => [("target", "target"), ("targetIQN", p), ("SCSIid", "lun")]),
        ("lvmoiscsi", p => [("target", "target"), ("targetIQN", "iqn"), ("SCSIid", p)]),
        ("ext", p => [("device", p)]),
    ];

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync();
        _world = Directory.CreateDirectory(_server.File("world")).FullName;
        _root = Directory.CreateDirectory(Path.Combine(_world, "root")).FullName;
        await _server.StopAsync();
        _server.Configure = options => options with { SrRoots = [_root] };
        await _server.StartAsync();
        _rig = await SrRig.CreateAsync(_server);
        var outside = Directory.CreateDirectory(Path.Combine(_world, "outside")).FullName;
        Directory.CreateDirectory(Path.Combine(_world, "root-beside"));
        Directory.CreateDirectory(Path.Combine(_world, "ROOT"));
        await File.WriteAllTextAsync(Path.Combine(outside, "secret.iso"), "secret");
        await VhdFile.Create(Path.Combine(outside, "11111111-1111-4111-8111-111111111111.vhd"), new() { VirtualSize = 2 << 20, UniqueId = Guid.NewGuid() }).DisposeAsync();
        Directory.CreateSymbolicLink(Path.Combine(_root, "out"), outside);
        Directory.CreateSymbolicLink(Path.Combine(_root, "up"), "..");
        Directory.CreateSymbolicLink(Path.Combine(_root, "loop"), "loop");
        Directory.CreateSymbolicLink(Path.Combine(_root, "slash"), "/");
        Directory.CreateSymbolicLink(Path.Combine(_root, "proc"), "/proc/self/cwd");
        Directory.CreateSymbolicLink(Path.Combine(_root, "dangling"), Path.Combine(outside, "new"));
        RequiredTool.Run("/bin/ln", Path.Combine(outside, "secret.iso"), Path.Combine(_root, "hard"));
        RequiredTool.Run("/usr/bin/mkfifo", Path.Combine(_root, "pipe"));
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Nothing_is_opened_or_made_outside_of_the_roots()
    {
        var before = Outside();
        var paths = Payloads().Distinct().ToList();
        var tried = 0;
        var made = 0;
        foreach (var (type, config) in Fields)
        {
            foreach (var path in paths)
            {
                tried++;
                var answer = await _rig.Api.AnswerAsync("SR.create", SrRig.Arguments(_rig.Host, type, JsonArguments.Map(config(path))));
                if (answer.Error is { } error)
                {
                    error[0].Should().NotBe("INTERNAL_ERROR", $"{type} {path}: {string.Join(' ', error)}");
                    continue;
                }

                made++;
                await RemoveAsync(answer.Value!.GetValue<string>(), type, path);
            }
        }

        var sr = await _rig.Disks.DefaultSrAsync();
        foreach (var path in paths)
        {
            tried += 3;
            await _rig.Api.AnswerAsync("VDI.introduce", Guid.NewGuid().ToString(), "", "", sr, "user", false, false, JsonArguments.Map(), path, JsonArguments.Map(), JsonArguments.Map(("vhd-parent", path)),
                true, "0", "0", "OpaqueRef:NULL", false, "19700101T00:00:00Z", "OpaqueRef:NULL");
            foreach (var key in new[] { "type", "vhd-parent" })
            {
                var answer = await _rig.Api.AnswerAsync("VDI.create", Records.Vdi(sr, 2 << 20, path, ("sm_config", JsonArguments.Map((key, path), ("location", path)))));
                if (answer.Error is null)
                    await _rig.Api.CallAsync("VDI.destroy", answer.Value!.GetValue<string>());
            }
        }

        output.WriteLine($"{tried} payloads, {made} repositories made inside of the roots");
        tried.Should().BeGreaterThanOrEqualTo(500);
        Outside().Should().BeEquivalentTo(before);
    }

    [Fact]
    public async Task Names_of_parents_in_uploads_and_in_files_are_never_opened()
    {
        var before = Outside();
        var sr = await _rig.MakeFileAsync(Path.Combine(_root, "parents"));
        var place = Path.Combine(_root, "parents");
        var names = Payloads().Where(p => p.Length is > 0 and < 200 && !p.Contains('\0')).Append("../outside/11111111-1111-4111-8111-111111111111.vhd").ToList();
        var upload = await _rig.DiskAsync(sr, "target", 4 << 20);
        var files = 0;
        foreach (var name in names)
        {
            var image = Differencing(name);
            var id = Guid.NewGuid();
            await File.WriteAllBytesAsync(Path.Combine(place, id + ".vhd"), image);
            files++;
            using var content = new ByteArrayContent(image);
            using var answer = await _server.Http.PutAsync($"/import_raw_vdi?session_id={_rig.Api.Session}&vdi={upload}&format=vhd", content);
        }

        await _rig.Api.CallAsync("SR.scan", sr);
        (await _rig.Api.ListAsync("SR.get_VDIs", sr)).Should().BeEquivalentTo(upload);
        (await _rig.Disks.ExportAsync(upload)).Should().OnlyContain(b => b == 0);
        output.WriteLine($"{files} files");
        Outside().Should().BeEquivalentTo(before);
    }

    private async Task RemoveAsync(string sr, string type, string path)
    {
        await _rig.UnplugAsync(sr);
        (await _rig.Api.AnswerAsync("SR.destroy", sr)).Error.Should().BeNull($"{type} {Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(path))} was created");
    }

    private IEnumerable<string> Payloads()
    {
        var outside = Path.Combine(_world, "outside");
        string[] targets = ["outside", "outside/new", "root-beside/x", "etc"];
        string[] ups = ["..", "../..", "./..", "x/../..", "..//", "%2e%2e", "..\\", "\u2025", "\uFF0E\uFF0E", "\u2024\u2024", ".. ", "...", ".\u200B.", "..\u0000", "..;"];
        foreach (var up in ups)
        {
            yield return up;
            foreach (var target in targets)
            {
                yield return up + "/" + target;
                yield return _root + "/" + up + "/" + target;
            }
        }

        foreach (var link in new[] { "out", "out/new", "up/outside", "loop/x", "slash/tmp/x", "slash" + outside, "proc/x", "dangling", "dangling/x", "hard", "hard/x", "pipe", "pipe/x" })
        {
            yield return _root + "/" + link;
            yield return _root + "/a/../" + link;
        }

        foreach (var path in new[]
        {
            outside, outside + "/", outside + "/new", "/", "//", "/etc", "/etc/passwd", "/proc/self/root", "/proc/self/root" + outside, "/proc/self/cwd/x", "/proc/self/fd/1", "/dev/null", "/dev/zero",
            "/dev/full", "/dev/sda", "/dev/shm/../.." + outside, "/sys/kernel", _root, _root + "/", _root + "/.", _root + "-beside/y", _root.ToUpperInvariant() + "/x", Path.Combine(_world, "ROOT", "x"), "relative",
            "./relative", "~", "~root/x", "$HOME/x", "`id`", "$(id)", "|id", ";id", "a\0b", "\0", _root + "/a\0/../../outside", _root + "\\..\\outside", "\\\\server\\share\\..\\..\\x", "C:\\x", "file://" + outside,
            "http://127.0.0.1/", new string('x', 300), _root + "/" + new string('x', 300), new string('/', 5000), string.Concat(Enumerable.Repeat("a/", 3000)), "a\nb", "a\rb", "\u202E", "\uD800", " ", ".", "-rf", "--help",
            "CON", "nul", "a:b", "a:/..", "server:/../../outside", "server:" + outside, "//../" + outside,
        })
            yield return path;
    }

    /// <summary>A differencing image without a block whose names and locators all say <paramref name="name"/>.</summary>
    private static byte[] Differencing(string name)
    {
        var header = new DynamicHeader
        {
            MaxTableEntries = 2,
            ParentUniqueId = Guid.NewGuid(),
            ParentName = name.Length > 250 ? name[..250] : name,
            ParentLocators = [new(ParentLocator.W2ku, 512, (uint)(name.Length * 2), 2048), new(ParentLocator.W2ru, 512, (uint)(name.Length * 2), 2560), new(ParentLocator.MacX, 512, (uint)name.Length, 3072)],
        };
        var image = new byte[4096];
        image.AsSpan(1536, 512).Fill(0xFF);
        Footer.Create(VhdDiskType.Differencing, 4 << 20, Guid.NewGuid(), 0).Write(image);
        header.Write(image.AsSpan(512));
        System.Text.Encoding.Unicode.GetBytes(name).AsSpan(0, Math.Min(512, name.Length * 2)).CopyTo(image.AsSpan(2048));
        System.Text.Encoding.Unicode.GetBytes(name).AsSpan(0, Math.Min(512, name.Length * 2)).CopyTo(image.AsSpan(2560));
        image.AsSpan(0, 512).CopyTo(image.AsSpan(3584));
        return image;
    }

    /// <summary>Everything outside of the root, with contents and times of reading and writing.</summary>
    private Dictionary<string, string> Outside() => Directory.EnumerateFileSystemEntries(_world, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
        .Where(e => !e.StartsWith(_root + "/", StringComparison.Ordinal) && e != _root)
        .ToDictionary(
            e => e,
            e => File.Exists(e) ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(e))) + File.GetLastWriteTimeUtc(e).Ticks : Directory.GetLastWriteTimeUtc(e).Ticks.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
