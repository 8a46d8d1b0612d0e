using XapiCompat.Core.Laboratory;
using XapiCompat.Storage;
using XapiCompat.Storage.Dummy;
using XapiCompat.Storage.Iso;
using XapiCompat.Storage.VhdTree;

namespace XapiCompat.Server;

/// <summary>The storage plugins of this server; a further one is a line here.</summary>
internal static class StoragePlugins
{
    public static IReadOnlyList<IStoragePlugin> All(StateDirectory state, ServerOptions options, TimeProvider clock)
    {
        IReadOnlyList<string> roots = [state.Storage, .. options.SrRoots.Select(Path.GetFullPath)];
        var places = new RemotePlaces(roots.Skip(1).FirstOrDefault(state.Storage));
        var claims = new DirectoryClaims();
        var trees = new VhdTreeOptions { Durable = options.Durable };
        if (options.Lab is { Points: var points })
            trees = trees with { Files = new FaultFiles(points), FaultPoint = step => points.Pass(TreeStep.NameOf(step)) };
        return
        [
            .. new TreeTypes(state.Storage, places).All.Select(type => new VhdTreePlugin(roots, type, clock, trees, claims)),
            new IsoPlugin(roots, places),
            new DummyPlugin(state.Storage),
        ];
    }
}
