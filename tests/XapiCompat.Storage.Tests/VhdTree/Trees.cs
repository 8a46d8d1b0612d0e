using XapiCompat.Storage.VhdTree;

namespace XapiCompat.Storage.Tests.VhdTree;

internal static class Trees
{
    public static VhdTreePlugin NewPlugin(string root, VhdTreeOptions? options = null) =>
        new([root], TypeAt(configuration => DirectoryOf(root, configuration)), TimeProvider.System, options);

    /// <summary>A type whose directories are chosen by the test.</summary>
    public static TreeType TypeAt(Func<SrConfiguration, string> directoryOf) => new TreeTypes("/", new RemotePlaces("/")).All[0] with { DirectoryOf = directoryOf };

    public static string DirectoryOf(string root, SrConfiguration configuration) => Path.Combine(root, configuration.Uuid.ToString());
}
