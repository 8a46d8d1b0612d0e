using XapiCompat.Storage.VhdTree;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

public sealed class VhdTreeContractTests : StoragePluginContractTests
{
    protected override IStoragePlugin NewPlugin(string root) => Trees.NewPlugin(root);
}

public sealed class VhdTreeDurableContractTests : StoragePluginContractTests
{
    protected override IStoragePlugin NewPlugin(string root) => Trees.NewPlugin(root, new VhdTreeOptions { Durable = true, HardLinks = false });
}

public sealed class VhdTreeAttachedSrTests(ITestOutputHelper output) : AttachedSrTests(output)
{
    protected override IStoragePlugin NewPlugin(string root) => Trees.NewPlugin(root);
}
