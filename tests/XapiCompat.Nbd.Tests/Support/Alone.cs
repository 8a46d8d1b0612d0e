using Xunit;

namespace XapiCompat.Nbd.Tests.Support;

/// <summary>Tests that measure the memory of the process: they run beside no others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
