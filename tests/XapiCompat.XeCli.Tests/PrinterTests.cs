using FluentAssertions;
using XapiCompat.XeCli.Output;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class PrinterTests
{
    private readonly MemoryTerminal _terminal = new();

    [Fact]
    public async Task The_first_name_stands_left_and_the_others_right_four_blanks_beyond_the_longest()
    {
        await new FullPrinter(_terminal).TableAsync([Record("uuid ( RO)", "7e0e", "name-label ( RW)", "disk one", "virtual-size ( RO)", "1")]);
        _terminal.Output.Should().Be(
            "uuid ( RO)            : 7e0e\n" +
            "      name-label ( RW): disk one\n" +
            "    virtual-size ( RO): 1\n\n\n");
    }

    [Fact]
    public async Task An_empty_value_leaves_the_blank_behind_the_colon()
    {
        await new FullPrinter(_terminal).TableAsync([Record("a", "")]);
        _terminal.Output.Should().Be("a    : \n\n\n");
    }

    [Fact]
    public async Task Each_record_is_followed_by_two_empty_lines_and_is_a_message_of_its_own()
    {
        await new FullPrinter(_terminal).TableAsync([Record("a", "1"), Record("a", "2")]);
        _terminal.Output.Should().Be("a    : 1\n\n\na    : 2\n\n\n");
        _terminal.Prints.Should().Be(2);
    }

    [Fact]
    public async Task An_empty_table_prints_nothing()
    {
        var printer = new FullPrinter(_terminal);
        await printer.TableAsync([]);
        await printer.FinishAsync();
        _terminal.Prints.Should().Be(0);
    }

    [Fact]
    public async Task A_mark_behind_the_tag_counts_for_the_width()
    {
        await new FullPrinter(_terminal).TableAsync([Record("uuid ( RO)", "u", "parent ( RO) [DEPRECATED]", "p")]);
        _terminal.Output.Split('\n')[0].Should().Be("uuid ( RO)".PadRight(4 + "parent ( RO) [DEPRECATED]".Length) + ": u");
    }

    [Fact]
    public async Task Minimal_keeps_the_first_field_of_each_record_and_joins_them()
    {
        var printer = new MinimalPrinter(_terminal);
        await printer.LineAsync("dropped");
        await printer.TableAsync([Record("a", "1", "b", "x"), Record("a", "2", "b", "y")]);
        _terminal.Prints.Should().Be(0);
        await printer.FinishAsync();
        _terminal.Output.Should().Be("1,2\n");
    }

    [Fact]
    public async Task Minimal_protects_commas_and_backslashes()
    {
        var printer = new MinimalPrinter(_terminal);
        await printer.ItemsAsync(["a,b", @"c\d"]);
        await printer.FinishAsync();
        _terminal.Output.Should().Be(@"a\,b,c\\d" + "\n");
    }

    [Fact]
    public async Task Minimal_prints_an_empty_line_for_nothing()
    {
        await new MinimalPrinter(_terminal).FinishAsync();
        _terminal.Output.Should().Be("\n");
    }

    [Fact]
    public async Task Minimal_prints_several_tables_in_reverse_order()
    {
        var printer = new MinimalPrinter(_terminal);
        await printer.TableAsync([Record("a", "1")]);
        await printer.TableAsync([Record("a", "2")]);
        await printer.FinishAsync();
        _terminal.Output.Should().Be("2,1\n");
    }

    private static IReadOnlyList<KeyValuePair<string, string>> Record(params string[] namesAndValues) =>
        [.. namesAndValues.Chunk(2).Select(c => KeyValuePair.Create(c[0], c[1]))];
}
