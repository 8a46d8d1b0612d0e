using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>
/// Every operation is stopped before each of its file-system steps: once as by kill -9, after which a new process
/// attaches (and is stopped at each step of that, too), and once by a step that fails.
/// </summary>
public sealed class VhdTreeCrashTests(ITestOutputHelper output)
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();

    private static readonly (string Name, Func<ISr, Scene, Guid, Task> Run)[] Operations =
    [
        ("create", async (sr, scene, uuid) => await sr.CreateVolumeAsync(new VolumeSpec(uuid, "new", "", MiB, false, NoParams), default)),
        ("create a plain file", async (sr, scene, uuid) => await sr.CreateVolumeAsync(
            new VolumeSpec(uuid, "new", "", MiB, false, new Dictionary<string, string> { ["type"] = "raw" }), default)),
        ("snapshot", async (sr, scene, uuid) => await sr.SnapshotAsync(scene.Volume, uuid, NoParams, default)),
        ("snapshot of a root", async (sr, scene, uuid) => await sr.SnapshotAsync(scene.Root, uuid, NoParams, default)),
        ("clone", async (sr, scene, uuid) => await sr.CloneAsync(scene.Volume, uuid, NoParams, default)),
        ("clone of an empty leaf", async (sr, scene, uuid) => await sr.CloneAsync(scene.Snapshot, uuid, NoParams, default)),
        ("destroy", async (sr, scene, uuid) => await sr.DestroyVolumeAsync(scene.Volume, default)),
        ("destroy of a last child", async (sr, scene, uuid) => await sr.DestroyVolumeAsync(scene.Lonely, default)),
        ("rename", async (sr, scene, uuid) => await sr.SetNameAsync(scene.Volume, "renamed", "", default)),
        ("resize", async (sr, scene, uuid) => await sr.ResizeAsync(scene.Volume, 4 * MiB, default)),
    ];

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task After_an_end_at_any_step_each_volume_is_wholly_there_or_wholly_absent(bool hardLinks, bool durable)
    {
        var stops = 0;
        foreach (var operation in Operations)
        {
            for (var step = 1; ; step++)
            {
                await using var scene = await Scene.BuildAsync(new VhdTreeOptions { HardLinks = hardLinks, Durable = durable });
                var uuid = Guid.NewGuid();
                var finished = await scene.StopAsync(step, sr => operation.Run(sr, scene, uuid), new SimulatedEnd());
                stops++;
                if (!finished)
                {
                    for (var recovery = 1; !await scene.StopAsync(recovery, null, new SimulatedEnd()); recovery++)
                        stops++;
                }

                await scene.VerifyAsync(operation.Name, uuid, finished);
                if (finished)
                    break;
            }
        }

        output.WriteLine($"{stops} ends");
        stops.Should().BeGreaterThan(100);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_step_that_fails_leaves_everything_as_it_was(bool hardLinks)
    {
        var failures = 0;
        foreach (var operation in Operations)
        {
            for (var step = 1; ; step++)
            {
                await using var scene = await Scene.BuildAsync(new VhdTreeOptions { HardLinks = hardLinks });
                var uuid = Guid.NewGuid();
                var full = new IOException("No space left on device", 28);
                var finished = await scene.FailAsync(step, sr => operation.Run(sr, scene, uuid), full);
                failures++;
                await scene.VerifyAsync(operation.Name, uuid, null);
                if (!finished)
                    scene.Leftovers.Should().BeEmpty();
                await scene.ReattachAsync();
                await scene.VerifyAsync(operation.Name, uuid, null);
                if (finished && step > scene.Steps)
                    break;
            }
        }

        output.WriteLine($"{failures} failures");
    }

    /// <summary>Not an I/O error, so that no handler cleans up: the process is gone.</summary>
    private sealed class SimulatedEnd : Exception;

    /// <summary>A small tree with one volume of each kind, and what each must contain.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private readonly SrConfiguration _configuration = new(Guid.NewGuid(), NoParams);
        private readonly Dictionary<string, byte> _expected = [];
        private readonly VhdTreeOptions _options;
        private readonly string _root;
        private Exception? _fault;
        private int _left;
        private ISr _sr = null!;

        private Scene(string root, VhdTreeOptions options)
        {
            _root = root;
            _options = options with { FaultPoint = Step };
        }

        /// <summary>As in a new process: nothing is known of what the last one held.</summary>
        private VhdTreePlugin NewPlugin() => Trees.NewPlugin(_root, _options);

        public string Root { get; private set; } = "";

        public string Volume { get; private set; } = "";

        public string Snapshot { get; private set; } = "";

        public string Lonely { get; private set; } = "";

        public int Steps { get; private set; }

        public IEnumerable<string> Leftovers => Directory.EnumerateFiles(Trees.DirectoryOf(_root, _configuration))
            .Where(path => path.EndsWith(".new", StringComparison.Ordinal) || path.EndsWith(".tmp", StringComparison.Ordinal));

        public static async Task<Scene> BuildAsync(VhdTreeOptions options)
        {
            var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
            var root = Directory.CreateDirectory(Path.Combine(parent, "xapicompat-" + Guid.NewGuid().ToString("N"))).FullName;
            var scene = new Scene(root, options);
            var plugin = scene.NewPlugin();
            await plugin.CreateAsync(scene._configuration, default);
            scene._sr = await plugin.AttachAsync(scene._configuration, default);
            scene.Root = await scene.CreateAsync(11);
            scene.Volume = await scene.CreateAsync(22);
            scene.Snapshot = (await scene._sr.SnapshotAsync(scene.Volume, Guid.NewGuid(), NoParams, default)).Volume!.Key;
            scene._expected[scene.Snapshot] = 22;
            await scene.WriteAsync(scene.Volume, 33);
            var source = await scene.CreateAsync(44);
            scene.Lonely = (await scene._sr.CloneAsync(source, Guid.NewGuid(), NoParams, default)).Volume!.Key;
            await scene._sr.DestroyVolumeAsync(source, default);
            scene._expected.Remove(source);
            scene._expected[scene.Lonely] = 44;
            return scene;
        }

        /// <summary>False when the process ended in <paramref name="action"/> (null: in attaching again) at that step.</summary>
        public async Task<bool> StopAsync(int step, Func<ISr, Task>? action, Exception end)
        {
            (_left, _fault) = (step, end);
            try
            {
                if (action is null)
                {
                    await using var sr = await NewPlugin().AttachAsync(_configuration, default);
                }
                else
                {
                    await action(_sr);
                }

                return true;
            }
            catch (SimulatedEnd)
            {
                return false;
            }
            finally
            {
                _fault = null;
            }
        }

        /// <summary>True when the operation succeeded all the same.</summary>
        public async Task<bool> FailAsync(int step, Func<ISr, Task> action, Exception failure)
        {
            (_left, _fault, Steps) = (step, failure, 0);
            try
            {
                await action(_sr);
                return true;
            }
            catch (StorageException e)
            {
                e.Fault.Should().Be(StorageFault.NoSpace);
                e.Message.Should().Be("There is insufficient space");
                return false;
            }
            catch (IOException)
            {
                // From the last point, behind the last step.
                return true;
            }
            finally
            {
                _fault = null;
            }
        }

        public async Task ReattachAsync()
        {
            await _sr.DisposeAsync();
            _sr = await NewPlugin().AttachAsync(_configuration, default);
        }

        public async Task VerifyAsync(string operation, Guid uuid, bool? finished)
        {
            if (finished is not null)
                await ReattachAsync();
            var list = await _sr.ListAsync(default);
            var because = $"after {operation}: {string.Join(", ", list.Select(v => v.Key + (v.Managed ? "" : " base")))}";
            _sr.Problems.Should().BeEmpty(because);
            var managed = list.Where(v => v.Managed).ToDictionary(v => v.Key);
            var isNew = managed.Remove(uuid.ToString(), out var added);
            if (finished == true && operation is not ("destroy" or "destroy of a last child" or "rename" or "resize"))
                isNew.Should().BeTrue(because);
            if (operation.StartsWith("destroy", StringComparison.Ordinal))
            {
                var victim = operation == "destroy" ? Volume : Lonely;
                if (!managed.ContainsKey(victim))
                    _expected.Remove(victim);
                else
                    finished.Should().NotBe(true, because);
            }

            managed.Keys.Should().BeEquivalentTo(_expected.Keys, because);
            foreach (var (key, value) in _expected)
                (await FirstByteAsync(key)).Should().Be(value, because);
            if (isNew)
                (await FirstByteAsync(added!.Key)).Should().Be(operation switch
                {
                    "create" or "create a plain file" => 0,
                    "snapshot of a root" => 11,
                    "clone of an empty leaf" => 22,
                    _ => 33,
                }, because);

            // Nothing in the directory that the list does not account for, and every base has children.
            list.Where(v => !v.Managed).Should().OnlyContain(
                b => list.Any(v => v.SmConfig.ContainsKey("vhd-parent") && v.SmConfig["vhd-parent"] == b.Key), because);
            var allowed = list.Select(v => v.Key + (v.SmConfig.ContainsKey("type") ? ".raw" : ".vhd")).Concat(list.Where(v => v.Managed).Select(v => v.Key + ".meta")).ToHashSet();
            if (finished is not null)
                Directory.EnumerateFiles(Trees.DirectoryOf(_root, _configuration)).Select(Path.GetFileName).Should().BeSubsetOf(allowed, because);

            // A base that could not be marked is marked by the next attach.
            if (finished is not null)
                (await NewPlugin().CheckAsync(_configuration, repair: false, default)).Findings.Where(f => f.Level != FindingLevel.Note).Should().BeEmpty(because);

            // And the tree works.
            await WriteAsync(Volume is var volume && _expected.ContainsKey(volume) ? volume : Root, 77);
            (await FirstByteAsync(Snapshot)).Should().Be(_expected[Snapshot]);
        }

        public async ValueTask DisposeAsync()
        {
            await _sr.DisposeAsync();
            Directory.Delete(_root, recursive: true);
        }

        private async Task<string> CreateAsync(byte value)
        {
            var volume = await _sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "v", "", MiB, false, NoParams), default);
            await WriteAsync(volume.Volume!.Key, value);
            return volume.Volume.Key;
        }

        private async Task WriteAsync(string key, byte value)
        {
            await using var device = await _sr.OpenAsync(key, DatapathMode.ReadWrite, default);
            await device.WriteAsync(0, new[] { value });
            _expected[key] = value;
        }

        private async Task<byte> FirstByteAsync(string key)
        {
            await using var device = await _sr.OpenAsync(key, DatapathMode.Read, default);
            var buffer = new byte[1];
            await device.ReadAsync(0, buffer);
            return buffer[0];
        }

        private void Step(string name)
        {
            Steps++;
            if (_fault is not null && --_left == 0)
                throw _fault;
        }
    }
}
