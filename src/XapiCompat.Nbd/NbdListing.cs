namespace XapiCompat.Nbd;

/// <summary>One line of NBD_OPT_LIST.</summary>
/// <param name="Description">For people; may be empty.</param>
public sealed record NbdListing(string Name, string Description);
