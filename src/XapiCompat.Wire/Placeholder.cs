namespace XapiCompat.Wire;
