namespace XapiCompat.XeCli.Records;

internal sealed record ComputedField(string Table, string Field, FieldComputation Compute);
