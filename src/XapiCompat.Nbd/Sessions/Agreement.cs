namespace XapiCompat.Nbd.Sessions;

/// <summary>What client and server have agreed on before data flows.</summary>
/// <param name="Structured">Replies come in chunks.</param>
/// <param name="Contexts">What NBD_CMD_BLOCK_STATUS answers, in this order.</param>
internal sealed record Agreement(bool Structured, IReadOnlyList<ChosenContext> Contexts);

/// <param name="Id">Chosen by the server.</param>
/// <param name="Bitmap">Null for base:allocation.</param>
internal sealed record ChosenContext(uint Id, string Name, NbdBitmap? Bitmap);
