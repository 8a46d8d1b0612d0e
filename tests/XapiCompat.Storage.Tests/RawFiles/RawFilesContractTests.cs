namespace XapiCompat.Storage.Tests.RawFiles;

public sealed class RawFilesContractTests : StoragePluginContractTests
{
    protected override IStoragePlugin NewPlugin(string root) => new RawFilesPlugin(root);
}
