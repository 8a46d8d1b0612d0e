using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>The parts of an answer: bytes before the value, the value, bytes after it.</summary>
internal readonly record struct Answer(ReadOnlyMemory<byte> Head, XenValue Value, ReadOnlyMemory<byte> Tail);
