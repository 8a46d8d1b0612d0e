namespace XapiCompat.Nbd;

/// <summary>A bitmap that clients may choose.</summary>
/// <param name="Name">What follows <c>qemu:dirty-bitmap:</c>.</param>
/// <param name="LoadAsync">Reads it; called at most once per connection. Null: there is none after all.</param>
public sealed record NbdDirtyBitmap(string Name, Func<CancellationToken, ValueTask<NbdBitmap?>> LoadAsync);
