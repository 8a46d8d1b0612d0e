using Xunit;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Tests that measure the process, its memory, time or threads: they run beside no others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
