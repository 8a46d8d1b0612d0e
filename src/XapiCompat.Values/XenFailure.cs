namespace XapiCompat.Values;

/// <summary>A documented XenAPI error: its code and its parameters, in the order of xapi-spec/errors.json.</summary>
public sealed record XenFailure(string Code, params IReadOnlyList<string> Parameters)
{
    /// <summary>Code and parameters in one list, as <c>ErrorDescription</c> and <c>task.error_info</c> show them.</summary>
    public IReadOnlyList<string> Description => [Code, .. Parameters];

    public XenException AsException() => new(this);

    public override string ToString() => Code + "(" + string.Join(", ", Parameters) + ")";
}

/// <summary>Carries a <see cref="XenFailure"/> out of nested code to the dispatcher or HTTP action that answers it.</summary>
public sealed class XenException(XenFailure failure, Exception? inner = null) : Exception(failure.ToString(), inner)
{
    public XenException(string code, params IReadOnlyList<string> parameters)
        : this(new XenFailure(code, parameters))
    {
    }

    public XenFailure Failure { get; } = failure;
}
