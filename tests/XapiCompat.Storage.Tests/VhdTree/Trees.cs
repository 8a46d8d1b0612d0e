using XapiCompat.Storage.VhdTree;

namespace XapiCompat.Storage.Tests.VhdTree;

internal static class Trees
{
    public static VhdTreePlugin NewPlugin(string root, VhdTreeOptions? options = null) =>
        new([root], configuration => DirectoryOf(root, configuration), TimeProvider.System, options);

    public static string DirectoryOf(string root, SrConfiguration configuration) => Path.Combine(root, configuration.Uuid.ToString());
}
