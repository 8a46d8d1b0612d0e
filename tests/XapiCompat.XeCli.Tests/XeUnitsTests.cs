using FluentAssertions;
using XapiCompat.XeCli.Arguments;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class XeUnitsTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("8192", 8192)]
    [InlineData("8192B", 8192)]
    [InlineData("8192 bytes", 8192)]
    [InlineData("3k", 3 << 10)]
    [InlineData("3KB", 3 << 10)]
    [InlineData("3 kib", 3 << 10)]
    [InlineData("5MiB", 5 << 20)]
    [InlineData("5m", 5 << 20)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("2 gb", 2L << 30)]
    [InlineData("1TiB", 1L << 40)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Sizes_have_units_of_1024(string text, long bytes) => XeUnits.Size("s", text).Should().Be(bytes);

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("1.5GiB")]
    [InlineData("5PiB")]
    [InlineData("9223372036854775808")]
    [InlineData("8388608TiB")]
    [InlineData("1 G iB")]
    public void Other_sizes_are_refused(string text) => FluentActions.Invoking(() => XeUnits.Size("s", text)).Should().Throw<XeException>().WithMessage("*'s'*");

    [Theory]
    [InlineData(true, "true", "T", "YES", "y", "1")]
    [InlineData(false, "false", "F", "No", "n", "0")]
    public void Flags_have_ten_spellings(bool flag, params string[] texts) => texts.Should().AllSatisfy(t => XeUnits.Flag("f", t).Should().Be(flag));

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("on")]
    public void Other_flags_are_refused(string text) => FluentActions.Invoking(() => XeUnits.Flag("f", text)).Should().Throw<XeException>();
}
