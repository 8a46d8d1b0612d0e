using XapiCompat.Values;

namespace XapiCompat.XeCli.Errors;

/// <summary>An error of the API with its references already put into words.</summary>
internal sealed class DescribedException(ApiErrors error, XenException inner) : Exception(inner.Message, inner)
{
    public ApiErrors Error { get; } = error;
}
