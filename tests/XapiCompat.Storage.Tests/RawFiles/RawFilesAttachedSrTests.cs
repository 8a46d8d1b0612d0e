using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.RawFiles;

public sealed class RawFilesAttachedSrTests(ITestOutputHelper output) : AttachedSrTests(output)
{
    protected override IStoragePlugin NewPlugin(string root) => new RawFilesPlugin(root);
}
