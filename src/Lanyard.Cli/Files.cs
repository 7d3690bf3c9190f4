using System.Text;

namespace Lanyard.Cli;

/// <summary>Files that verbs read and write. What goes wrong with one is said with its name.</summary>
internal static class Files
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>All of a file; <c>-</c> is standard input.</summary>
    /// <exception cref="CommandException">It cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            if (path != "-")
                return File.ReadAllBytes(path);
            using var input = Console.OpenStandardInput();
            using var bytes = new MemoryStream();
            input.CopyTo(bytes);
            return bytes.ToArray();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CommandException(ExitCode.Failed, $"'{path}' cannot be read: {failure.Message}");
        }
    }

    /// <summary>All of a file's text; <c>-</c> is standard input.</summary>
    /// <exception cref="CommandException">It cannot be read.</exception>
    public static string ReadText(string path) => Encoding.UTF8.GetString(ReadBytes(path));

    /// <summary>Puts bytes that everyone may read into a file, in the place of the old one.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static void Write(string path, byte[] bytes)
    {
        if (!StateFile.IsSpecial(path))
        {
            Write(path, bytes, secret: false, overwrite: true);
            return;
        }

        using var special = Open(path, FileMode.Open);
        special.Write(bytes);
    }

    /// <summary>Opens a file that only the owner may read, to be written bit by bit, in the place of the old one.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static FileStream OpenWrite(string path)
    {
        if (StateFile.IsSpecial(path))
            return Open(path, FileMode.Open);
        try
        {
            // Whoever has the old one open, or may read it, does not get what is written now.
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Unwritten(path, failure);
        }

        return Open(path, FileMode.CreateNew);
    }

    /// <summary>Puts bytes into a new file.</summary>
    /// <param name="path">The file: there is none yet.</param>
    /// <param name="bytes">What it holds.</param>
    /// <param name="secret">Whether nobody but its owner may read it.</param>
    /// <exception cref="CommandException">It is there already, or cannot be written.</exception>
    public static void Create(string path, byte[] bytes, bool secret) => Write(path, bytes, secret, overwrite: false);

    /// <summary>Puts bytes that only the owner may read into a file, in the place of the old one: all of them or, where that fails, none.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static void Replace(string path, byte[] bytes) => Write(path, bytes, secret: true, overwrite: true);

    /// <summary>Ends the command where there is such a file.</summary>
    /// <exception cref="CommandException">There is.</exception>
    public static void RequireNone(string path)
    {
        if (Path.Exists(path))
            throw new CommandException(ExitCode.Failed, $"'{path}' is there already and is not overwritten. Move it away, or choose another name.");
    }

    private static void Write(string path, byte[] bytes, bool secret, bool overwrite)
    {
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            var access = secret ? StateFileAccess.Owner : StateFileAccess.Everyone;
            if (overwrite)
                StateFile.Replace(path, bytes, access);
            else
                StateFile.Create(path, bytes, access);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unwritten(path, failure);
        }
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.Read };
        if (mode == FileMode.CreateNew && !OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        try
        {
            return new FileStream(path, options);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unwritten(path, failure);
        }
    }

    private static CommandException Unwritten(string path, Exception failure) => new(ExitCode.Failed, $"'{path}' cannot be written: {failure.Message}");
}
