using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Selecting;

/// <summary>One condition on a field, on the printed text.</summary>
internal sealed class RecordFilter
{
    private readonly RecordField _field;
    private readonly string? _key;
    private readonly string _value;

    private RecordFilter(RecordField field, string? key, string value) => (_field, _key, _value) = (field, key, value);

    /// <param name="name">A field, <c>map:key</c>, <c>set:contains</c>, or the old forms with a dash.</param>
    /// <exception cref="XeException">The table has no such field, or it is not asked for in that way.</exception>
    public static RecordFilter Parse(RecordTable table, string name, string value)
    {
        var (field, key) = FieldName.Split(table, name);
        if (field.Kind == FieldKind.Set && key is not null and not "contains")
            throw new XeException("Members of the set '" + field.Name + "' are asked for with " + field.Name + ":contains=value");
        return new(field, key, value);
    }

    public async ValueTask<bool> MatchesAsync(LiveRecord record)
    {
        var value = await record.ReadAsync(_field);
        if (_key is null)
            return Same(value.Text, _value);
        return _field.Kind == FieldKind.Set
            ? value.Items.Any(i => Same(i, _value))
            : value.Pairs.FirstOrDefault(p => Same(p.Key, _key)) is { Key: not null } pair && Same(pair.Value, _value);
    }

    private bool Same(string a, string b) => string.Equals(a, b, _field.CaseInsensitive ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
}
